interface SegmentsProps<T extends string> {
  label: string;
  value: T;
  options: ReadonlyArray<readonly [value: T, text: string]>;
  onValue: (value: T) => void;
}

/** Two or three choices side by side. */
export function Segments<T extends string>({ label, value, options, onValue }: SegmentsProps<T>) {
  return (
    <div className="segments" role="group" aria-label={label}>
      {options.map(([each, text]) => (
        <button key={each} type="button" aria-pressed={value === each} onClick={() => onValue(each)}>
          {text}
        </button>
      ))}
    </div>
  );
}
