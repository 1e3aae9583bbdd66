export { SimulatedClock } from "../../src/testing/simulated-clock.ts";
