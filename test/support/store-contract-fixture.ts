export * from "../../src/testing/store-contract/fixture.ts";
