import { useState } from "react";
import { useTexts } from "../i18n/language";
import { forProgram, type Program } from "../lib/command";
import { CopyButton } from "./CopyButton";

const PROGRAMS: readonly Program[] = ["docker", "budu"];

/** A command to copy, for either program. No prompt sign: it would be copied along. */
export function CommandBox({ command, label }: { command: string; label: string }) {
  const { t } = useTexts();
  const [program, setProgram] = useState<Program>("docker");
  const shown = forProgram(command, program);
  return (
    <div className="command" role="group" aria-label={label}>
      <div className="command-head">
        <span className="command-label">{label}</span>
        <div className="segments" role="group" aria-label={t("repo.program")}>
          {PROGRAMS.map((each) => (
            <button
              key={each}
              type="button"
              aria-pressed={program === each}
              onClick={() => setProgram(each)}
            >
              {each}
            </button>
          ))}
        </div>
      </div>
      <div className="command-line">
        <code tabIndex={0}>{shown}</code>
        <CopyButton text={shown} />
      </div>
    </div>
  );
}
