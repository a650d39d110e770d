import "./ui/tokens.css";
import "./ui/base.css";
import "./ui/controls.css";
import "./ui/content.css";
import "./ui/feedback.css";
import "./app/shell.css";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app/App.tsx";

const root = document.getElementById("root");
if (root)
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  );
