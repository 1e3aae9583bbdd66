export { dedupKeyMachine } from "./dedup-key.ts";
