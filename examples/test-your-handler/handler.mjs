export { consumer as default } from "./consumer.mjs";
