import js from "@eslint/js";
import globals from "globals";

export default [
  { ignores: [".venv*/", "**/node_modules/", "parsing/web/device/runtime/"] },
  js.configs.recommended,
  {
    languageOptions: { globals: globals.browser },
    rules: {
      eqeqeq: "error",
      "no-eval": "error",
      "no-implied-eval": "error",
      "no-new-func": "error",
      "no-shadow": "error",
      "no-var": "error",
      "object-shorthand": "error",
      "prefer-const": "error",
    },
  },
  { files: ["tests/javascript/**"], languageOptions: { globals: globals.nodeBuiltin } },
];
