import { render } from "preact";
import { App } from "./app.tsx";
import { startPage } from "./browser/start.ts";

const root = document.getElementById("page");
if (root !== null) {
  startPage();
  render(<App />, root);
}
