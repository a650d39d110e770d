import { createContext, type ReactNode, useCallback, useContext, useMemo, useRef, useState } from "react";
import { useI18n } from "../i18n/index.tsx";

const shownMilliseconds = 6_000;
const ToastContext = createContext<(text: string) => void>(() => {});

/** Short words on what just happened: spoken politely, gone by themselves. */
export function ToastProvider({ children }: { children: ReactNode }) {
  const { t } = useI18n();
  const [toasts, setToasts] = useState<{ id: number; text: string }[]>([]);
  const next = useRef(1);
  const drop = useCallback((id: number) => setToasts((list) => list.filter((toast) => toast.id !== id)), []);
  const show = useCallback(
    (text: string) => {
      const id = next.current++;
      setToasts((list) => [...list.slice(-2), { id, text }]);
      setTimeout(() => drop(id), shownMilliseconds);
    },
    [drop],
  );
  const region = useMemo(
    () => (
      <div className="toasts" role="status" aria-live="polite">
        {toasts.map((toast) => (
          <div key={toast.id} className="toast">
            <span>{toast.text}</span>
            <button type="button" aria-label={t.shell.close} onClick={() => drop(toast.id)}>
              ×
            </button>
          </div>
        ))}
      </div>
    ),
    [toasts, t, drop],
  );
  return (
    <ToastContext value={show}>
      {children}
      {region}
    </ToastContext>
  );
}

export function useToast(): (text: string) => void {
  return useContext(ToastContext);
}
