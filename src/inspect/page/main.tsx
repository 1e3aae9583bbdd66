import { render } from "preact";
import { App } from "./app.tsx";
import { start } from "./browser/start.ts";

const root = document.getElementById("page");
if (root !== null) {
  start();
  render(<App />, root);
}
