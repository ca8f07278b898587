// As in docs.js: without the npm package the link stays. Fonts are the browser's own.
if (window.Redoc) {
  const font = "system-ui, sans-serif";
  const theme = { typography: { fontFamily: font, headings: { fontFamily: font } } };
  Redoc.init("openapi.json", { hideDownloadButton: true, theme }, document.getElementById("page"));
}
