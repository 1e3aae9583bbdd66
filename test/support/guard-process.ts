import { type ChildProcess, spawn } from "node:child_process";
import { Socket } from "node:net";

/**
 * A shell that outlives this process by a moment: when our end of its input closes, however we died, it kills the process `pid`,
 * even one that is stopped, and removes `folder`. It stands in a process group of its own, so that Ctrl-C does not reach it first.
 */
export function guardProcess(pid: number, folder = ""): ChildProcess {
  const script = 'read -r _; kill -9 "$0" 2>/dev/null; sleep 0.2; if [ -n "$1" ]; then rm -rf "$1"; fi';
  const child = spawn("sh", ["-c", script, String(pid), folder], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  child.unref();
  // The input is a socket, which would keep this process alive.
  if (child.stdin instanceof Socket) child.stdin.unref();
  return child;
}
