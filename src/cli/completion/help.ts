/** Text below the options of `latchkey completion --help`, at most 80 columns wide. */
export const completionHelp = `
To load it in every new shell:
  bash  echo 'source <(latchkey completion bash)' >> ~/.bashrc
  zsh   echo 'source <(latchkey completion zsh)' >> ~/.zshrc, after compinit
  fish  latchkey completion fish > ~/.config/fish/completions/latchkey.fish`;
