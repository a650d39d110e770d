import { useI18n } from "../i18n/index.tsx";
import { ButtonLink } from "../ui/Button.tsx";
import { Page } from "../ui/Page.tsx";

export function NotFound({ title, text }: { title?: string; text?: string }) {
  const { t } = useI18n();
  return (
    <Page kind="narrow" title={title ?? t.common.notFoundTitle} lead={text ?? t.common.notFoundText}>
      <div className="actions">
        <ButtonLink to="/" kind="primary">
          {t.common.toMarkets}
        </ButtonLink>
      </div>
    </Page>
  );
}
