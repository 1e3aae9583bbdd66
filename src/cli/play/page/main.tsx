import { render } from "preact";
import { followTheme } from "../../../inspect/page/browser/theme.ts";
import { App } from "./app.tsx";

const root = document.getElementById("page");
if (root !== null) {
  followTheme();
  render(<App />, root);
}
