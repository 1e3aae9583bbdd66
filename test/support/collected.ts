export { collected } from "../../src/testing/store-contract/fixture.ts";
