export default {
  testEnvironment: "node",
  testMatch: ["<rootDir>/*.jest.mjs", "<rootDir>/*.jest.cjs"],
  moduleFileExtensions: ["mjs", "cjs", "js", "json"],
  // Nothing here needs a transform: Jest runs ES modules with --experimental-vm-modules.
  transform: {},
};
