export { collected } from "../../src/internal/collected.ts";
