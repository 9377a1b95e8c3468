import type { Layer } from "../api/types";
import { useTexts } from "../i18n/language";
import { bytes, shortDigest } from "../lib/format";

/** The steps of an image's making with what each adds; the bar is the part of the whole. */
export function Layers({ layers }: { layers: readonly Layer[] }) {
  const { t } = useTexts();
  const largest = Math.max(1, ...layers.map((layer) => layer.sizeBytes));
  if (layers.length === 0) return null;
  return (
    <section aria-labelledby="layers">
      <h3 id="layers">{t("tag.layers")}</h3>
      <ol className="layers">
        {layers.map((layer, at) => (
          <li key={at}>
            <span className="layer-number">{at + 1}</span>
            <span className="layer-command">
              <code>{layer.command || layer.comment || "—"}</code>
              {layer.digest && (
                <small title={layer.digest}>
                  {t("tag.layerDigest", { digest: shortDigest(layer.digest) })}
                </small>
              )}
            </span>
            <span className="layer-size">
              {layer.digest ? bytes(layer.sizeBytes) : <small>{t("tag.noLayer")}</small>}
              {layer.digest && (
                <meter min={0} max={largest} value={layer.sizeBytes} aria-hidden="true" />
              )}
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}
