import { render } from "preact";
import { followTheme } from "../../../inspect/page/browser/theme.ts";
import { App } from "./app.tsx";
import { installBuffer } from "./shims/buffer.ts";

const root = document.getElementById("page");
if (root !== null) {
  installBuffer();
  followTheme();
  render(<App />, root);
}
