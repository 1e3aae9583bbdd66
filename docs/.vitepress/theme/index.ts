import DefaultTheme from "vitepress/theme-without-fonts";
import "./site.css";

// VitePress reads the theme from the default export.
export default DefaultTheme;
