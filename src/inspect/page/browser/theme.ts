import { signal } from "@preact/signals";

const THEME = "latchkey-theme";

export type Theme = "light" | "dark";

const prefersDark = matchMedia("(prefers-color-scheme: dark)");

export const theme = signal<Theme>(initial());

/** Follows the system's theme until the user chooses one. */
export function followTheme(): void {
  prefersDark.addEventListener("change", () => {
    if (localStorage.getItem(THEME) === null) show(initial());
  });
  show(theme.value);
}

export function toggleTheme(): void {
  const next = theme.value === "dark" ? "light" : "dark";
  localStorage.setItem(THEME, next);
  show(next);
}

function initial(): Theme {
  const chosen = localStorage.getItem(THEME);
  if (chosen === "light" || chosen === "dark") return chosen;
  return prefersDark.matches ? "dark" : "light";
}

function show(next: Theme): void {
  theme.value = next;
  document.documentElement.dataset["theme"] = next;
}
