export { getThenPut } from "../../../testing/examples/get-then-put.ts";
export const options = { replicas: 2 };
