-- To which cards a payout may go: any, or those from which as much was paid and not paid out to them yet.
ALTER TABLE checkout_session ADD COLUMN payout_cards TEXT NOT NULL DEFAULT 'any' CHECK (payout_cards IN ('any', 'paying'));
