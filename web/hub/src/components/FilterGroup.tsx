export interface FilterValue {
  value: string;
  text: string;
  count: number;
  isChosen: boolean;
}

interface FilterGroupProps {
  title: string;
  values: readonly FilterValue[];
  onChange: (value: string) => void;
}

export function FilterGroup({ title, values, onChange }: FilterGroupProps) {
  if (values.length === 0) return null;
  return (
    <fieldset className="filter-group">
      <legend>{title}</legend>
      {values.map((each) => (
        <label key={each.value}>
          <input type="checkbox" checked={each.isChosen} onChange={() => onChange(each.value)} />
          <span>{each.text}</span>
          <span className="filter-count">{each.count}</span>
        </label>
      ))}
    </fieldset>
  );
}
