export { handler } from "./correct.ts";
export const options = "two replicas";
