// Addresses are relative to the page, so that it works behind a proxy and under any root_path.
// A binary that was built without the npm packages has no SwaggerUIBundle: the link stays.
if (window.SwaggerUIBundle) {
  window.ui = SwaggerUIBundle({
    url: "openapi.json",
    dom_id: "#page",
    deepLinking: true,
    oauth2RedirectUrl: new URL("docs/oauth2-redirect", window.location.href).href,
    validatorUrl: null,
    presets: [SwaggerUIBundle.presets.apis],
    layout: "BaseLayout",
  });
}
