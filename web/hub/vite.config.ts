import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// Everything is a file of this origin: the page's content security policy allows nothing else.
export default defineConfig({
  plugins: [react()],
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: { output: { manualChunks: { react: ["react", "react-dom", "react-dom/client"] } } },
  },
  server: { proxy: { "/api": "http://127.0.0.1:5080" } },
  test: { environment: "node", include: ["src/**/*.test.ts"] },
});
