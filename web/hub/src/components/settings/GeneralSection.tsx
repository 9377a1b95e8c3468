import { useState } from "react";
import { useAction, useData, useRequest } from "../../api/hooks";
import type { Categories, Repository } from "../../api/types";
import { useTexts } from "../../i18n/language";
import { isProduct, PRODUCTS } from "../../lib/products";
import { splitList } from "../../lib/lists";
import type { SectionProps } from "../../pages/repository/SettingsPage";
import { Choice } from "../Choice";
import { Field } from "../Field";
import { Form } from "../Form";
import { VisibilityChoice } from "../VisibilityChoice";

export function GeneralSection({ repository, base, reload }: SectionProps) {
  const { t } = useTexts();
  const send = useRequest();
  const editing = repository.editing;
  const [summary, setSummary] = useState(editing?.summaryEn ?? "");
  const [summaryKo, setSummaryKo] = useState(editing?.summaryKo ?? "");
  const [isPrivate, setPrivate] = useState(repository.isPrivate);
  const [product, setProduct] = useState(isProduct(repository.product) ? repository.product : "image");
  const [categories, setCategories] = useState<readonly string[]>(repository.categories);
  const [synonyms, setSynonyms] = useState(editing?.synonyms.join(", ") ?? "");
  const all = useData<Categories>("/categories").data?.results ?? [];
  const save = useAction(async () => {
    const change = { summary, summaryKo, isPrivate, product, categories, synonyms: splitList(synonyms) };
    await send<Repository>("PATCH", base, change);
    reload();
  });
  const toggle = (slug: string) =>
    setCategories(
      categories.includes(slug) ? categories.filter((each) => each !== slug) : [...categories, slug],
    );
  return (
    <Form action={save} button={t("save")} done={t("saved")} className="panel">
      <Field label={t("settings.summary.en")} hint={t("settings.summary.hint")} value={summary} onValue={setSummary} maxLength={300} />
      <Field label={t("settings.summary.ko")} value={summaryKo} onValue={setSummaryKo} maxLength={300} />
      <VisibilityChoice isPrivate={isPrivate} onChange={setPrivate} />
      <Choice
        label={t("explore.products")}
        value={product}
        options={PRODUCTS.map((each) => [each, t(`product.${each}`)])}
        onValue={setProduct}
      />
      <fieldset>
        <legend>{t("settings.categories")}</legend>
        <div className="options-columns">
          {all.map((category) => (
            <label key={category.slug} className="option">
              <input
                type="checkbox"
                checked={categories.includes(category.slug)}
                onChange={() => toggle(category.slug)}
              />
              {category.name}
            </label>
          ))}
        </div>
      </fieldset>
      <Field label={t("settings.synonyms")} hint={t("settings.synonyms.hint")} value={synonyms} onValue={setSynonyms} />
    </Form>
  );
}
