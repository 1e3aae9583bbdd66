export { SimulatedClock } from "../../src/testing/sim/simulated-clock.ts";
