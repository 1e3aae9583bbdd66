import { render } from "preact";
import { App } from "./app.tsx";
import { begin } from "./browser/begin.ts";

const place = document.getElementById("page");
if (place !== null) {
  begin();
  render(<App />, place);
}
