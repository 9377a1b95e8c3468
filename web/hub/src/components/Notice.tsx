import type { ReactNode } from "react";

interface NoticeProps {
  title: string;
  text?: string;
  children?: ReactNode;
  level?: "h1" | "h2";
}

/** In place of content: what is (not) here, why, and what to do. */
export function Notice({ title, text, children, level: Heading = "h2" }: NoticeProps) {
  return (
    <section className="notice">
      <svg className="notice-mark" viewBox="0 0 64 32" aria-hidden="true">
        <path d="M22 4h20a3 3 0 0 1 0 6h-5v9H27v-9h-5a3 3 0 0 1 0-6Z" />
        <path className="wave" d="M4 25c5-5 9-5 14 0s9 5 14 0 9-5 14 0 9 5 14 0" />
      </svg>
      <Heading>{title}</Heading>
      {text && <p>{text}</p>}
      {children}
    </section>
  );
}
