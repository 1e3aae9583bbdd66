import { type ChildProcess, spawn } from "node:child_process";
import { Socket } from "node:net";

/**
 * Starts a shell that outlives this process briefly. Once its input closes, even by our crash, it kills the process `pid`, stopped or
 * not, and removes `folder`. It runs in its own process group, so Ctrl-C does not reach it first.
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
