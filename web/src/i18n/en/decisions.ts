export const decisions = {
  decisions: {
    title: "Automated decisions",
    lead: "To prevent fraud, a program looks at the movements of your account before money moves or a key is made. Each decision stands here with its reasons, and you can ask for a person to look at it.",
    empty: "Nothing has been decided about you yet.",
    outcome: "Outcome",
    outcomes: {
      approve: "let through",
      review: "a person looks",
      block_and_review: "waits for a person",
      decline: "not let through",
    },
    payingCard: "back to a paying card",
    places: {
      deposit: "Deposit",
      withdrawal: "Withdrawal",
      key_creation: "New API key",
      contact_change: "Changed contact",
    },
    due: (at: string) => `A person decides by ${at}.`,
    ask: "Ask for a person",
    asked: "You asked for a person. The answer and its deadline stand at My data.",
    findings: {
      explained: "A person looked at it: it is explained.",
      nothing_found: "A person looked at it and found nothing.",
      stolen_card: "A person looked at it: a card may be stolen.",
      account_taken_over: "A person looked at it: somebody else may be using the account.",
      unlawful_source: "A person looked at it: the money may come from an unlawful source.",
      no_answer: "A person asked you and had no answer.",
    },
  },
};
