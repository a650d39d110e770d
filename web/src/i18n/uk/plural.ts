const rules = new Intl.PluralRules("uk");

/** The form of a noun after a whole number: 1 ринок, 2 ринки, 5 ринків. */
export function plural(count: number, one: string, few: string, many: string): string {
  const form = rules.select(count);
  return form === "one" ? one : form === "few" ? few : many;
}
