"""The tables of the bank's books, with the rules that no program may break: a transaction that breaks one cannot be committed."""

ACCOUNTS = """
CREATE TABLE IF NOT EXISTS account (
    number TEXT PRIMARY KEY, holder TEXT NOT NULL, identity TEXT NOT NULL, currency TEXT NOT NULL, pin TEXT NOT NULL,
    pin_tries INTEGER NOT NULL CHECK (pin_tries >= 0), blocked INTEGER NOT NULL DEFAULT 0 CHECK (blocked IN (0, 1))
) STRICT;
CREATE TABLE IF NOT EXISTS card_number (pan TEXT PRIMARY KEY, account TEXT NOT NULL REFERENCES account) STRICT;
CREATE TRIGGER IF NOT EXISTS number_stays BEFORE UPDATE ON card_number
BEGIN SELECT RAISE(ABORT, 'a card number stays with its account'); END;
"""

MONEY = """
CREATE TABLE IF NOT EXISTS book (
    name TEXT PRIMARY KEY, overdraft INTEGER NOT NULL CHECK (overdraft IN (0, 1)), balance INTEGER NOT NULL DEFAULT 0,
    last_entry INTEGER NOT NULL DEFAULT 0, CHECK (overdraft = 1 OR balance >= 0)
) STRICT;
CREATE TABLE IF NOT EXISTS entry (
    id INTEGER PRIMARY KEY, source TEXT NOT NULL REFERENCES book, target TEXT NOT NULL REFERENCES book,
    amount INTEGER NOT NULL CHECK (amount > 0), request TEXT NOT NULL, reason TEXT NOT NULL,
    CHECK (source <> target), UNIQUE (request, source, target, reason)
) STRICT;
CREATE INDEX IF NOT EXISTS entry_of_source ON entry (source);
CREATE INDEX IF NOT EXISTS entry_of_target ON entry (target);
CREATE TRIGGER IF NOT EXISTS entry_moves AFTER INSERT ON entry
BEGIN
    UPDATE book SET balance = balance - NEW.amount, last_entry = NEW.id WHERE name = NEW.source;
    UPDATE book SET balance = balance + NEW.amount, last_entry = NEW.id WHERE name = NEW.target;
END;
CREATE TRIGGER IF NOT EXISTS entry_stays BEFORE UPDATE ON entry
BEGIN SELECT RAISE(ABORT, 'an entry is never changed; make another one'); END;
CREATE TRIGGER IF NOT EXISTS entry_remains BEFORE DELETE ON entry
BEGIN SELECT RAISE(ABORT, 'an entry is never deleted; make another one'); END;
CREATE TRIGGER IF NOT EXISTS book_begins_empty BEFORE INSERT ON book WHEN NEW.balance <> 0 OR NEW.last_entry <> 0
BEGIN SELECT RAISE(ABORT, 'a book begins empty'); END;
CREATE TRIGGER IF NOT EXISTS book_stays BEFORE UPDATE OF name, overdraft ON book
BEGIN SELECT RAISE(ABORT, 'a book keeps its name and its kind'); END;
CREATE TRIGGER IF NOT EXISTS book_follows_entries BEFORE UPDATE OF balance, last_entry ON book
WHEN NOT EXISTS (
    SELECT 1 FROM entry WHERE id = NEW.last_entry AND id > OLD.last_entry AND NEW.balance - OLD.balance =
        CASE NEW.name WHEN target THEN amount WHEN source THEN -amount END
)
BEGIN SELECT RAISE(ABORT, 'a balance changes by an entry alone'); END;
"""

CARDS = """
CREATE TABLE IF NOT EXISTS change (
    number TEXT PRIMARY KEY, pan TEXT REFERENCES card_number, kind TEXT NOT NULL, old_sequence TEXT NOT NULL,
    new_pan TEXT NOT NULL DEFAULT '', new_sequence TEXT NOT NULL DEFAULT '',
    state TEXT NOT NULL CHECK (state IN ('frozen', 'ordered', 'switched', 'undone')),
    holder_check TEXT NOT NULL CHECK (holder_check IN ('card and PIN', 'identity document')),
    pre_made INTEGER NOT NULL DEFAULT 0 CHECK (pre_made IN (0, 1)),
    CHECK (state = 'undone' OR pan IS NOT NULL), CHECK (state NOT IN ('ordered', 'switched') OR new_sequence <> ''),
    CHECK (pan IS NULL OR (kind = 'first issuance') = (old_sequence = '')),
    CHECK (pan IS NULL OR kind <> 'upgrade' OR holder_check = 'card and PIN')
) STRICT;
CREATE TABLE IF NOT EXISTS verification (
    request TEXT PRIMARY KEY, pan TEXT NOT NULL, sequence TEXT NOT NULL, reference TEXT NOT NULL, time INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS verification_of_change ON verification (reference);
CREATE UNIQUE INDEX IF NOT EXISTS one_open_change ON change (pan) WHERE state IN ('frozen', 'ordered');
CREATE TABLE IF NOT EXISTS card (
    pan TEXT NOT NULL REFERENCES card_number, sequence TEXT NOT NULL CHECK (sequence GLOB '[0-9][0-9]'),
    expiry TEXT NOT NULL, state TEXT NOT NULL CHECK (state IN ('ordered', 'active', 'blocked', 'switched off', 'cancelled')),
    e_cash_limit INTEGER NOT NULL, last_counter INTEGER NOT NULL DEFAULT 0, reported INTEGER, PRIMARY KEY (pan, sequence)
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS one_card_active ON card (pan) WHERE state = 'active';
CREATE UNIQUE INDEX IF NOT EXISTS one_card_in_use ON card (pan) WHERE state IN ('active', 'blocked');
CREATE UNIQUE INDEX IF NOT EXISTS one_card_ordered ON card (pan) WHERE state = 'ordered';
CREATE TABLE IF NOT EXISTS e_cash_return (
    pan TEXT NOT NULL, sequence TEXT NOT NULL, number TEXT NOT NULL UNIQUE, amount INTEGER NOT NULL CHECK (amount >= 0),
    PRIMARY KEY (pan, sequence), FOREIGN KEY (pan, sequence) REFERENCES card
) STRICT;
CREATE TABLE IF NOT EXISTS chip (
    identification TEXT PRIMARY KEY CHECK (length(identification) = 32), atr TEXT NOT NULL UNIQUE, version TEXT NOT NULL,
    pan TEXT NOT NULL, sequence TEXT NOT NULL, UNIQUE (pan, sequence), FOREIGN KEY (pan, sequence) REFERENCES card
) STRICT;
CREATE TRIGGER IF NOT EXISTS chip_stays BEFORE UPDATE ON chip
BEGIN SELECT RAISE(ABORT, 'the chip of a card is never another one'); END;
CREATE TRIGGER IF NOT EXISTS chip_remains BEFORE DELETE ON chip
BEGIN SELECT RAISE(ABORT, 'the chip of a card stays known'); END;
CREATE TRIGGER IF NOT EXISTS holder_verified BEFORE INSERT ON change
WHEN NEW.holder_check = 'card and PIN' AND NEW.pan IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM verification JOIN request ON request.number = verification.request
    WHERE reference = NEW.number AND verification.pan = NEW.pan AND verification.sequence = NEW.old_sequence
        AND request.state IN ('approved', 'completed'))
BEGIN SELECT RAISE(ABORT, 'the holder was not verified for this change'); END;
CREATE TRIGGER IF NOT EXISTS verification_stays BEFORE UPDATE ON verification
BEGIN SELECT RAISE(ABORT, 'a verification is never changed'); END;
CREATE TRIGGER IF NOT EXISTS card_stays BEFORE UPDATE OF pan, sequence, expiry ON card
BEGIN SELECT RAISE(ABORT, 'a card keeps its number, its sequence number and its expiry'); END;
CREATE TRIGGER IF NOT EXISTS card_remains BEFORE DELETE ON card
BEGIN SELECT RAISE(ABORT, 'a card stays in the register'); END;
CREATE TRIGGER IF NOT EXISTS counter_rises BEFORE UPDATE OF last_counter ON card WHEN NEW.last_counter < OLD.last_counter
BEGIN SELECT RAISE(ABORT, 'a transaction counter never falls'); END;
CREATE TRIGGER IF NOT EXISTS first_card BEFORE INSERT ON card
WHEN NEW.state <> 'ordered' AND (EXISTS (SELECT 1 FROM card WHERE pan = NEW.pan)
    OR EXISTS (SELECT 1 FROM change WHERE NEW.pan IN (pan, new_pan)))
BEGIN SELECT RAISE(ABORT, 'a further card of a number comes by a change'); END;
CREATE TRIGGER IF NOT EXISTS ordered_card BEFORE INSERT ON card WHEN NEW.state = 'ordered' AND NOT EXISTS (
    SELECT 1 FROM change WHERE state = 'ordered' AND new_pan = NEW.pan AND new_sequence = NEW.sequence)
BEGIN SELECT RAISE(ABORT, 'a card is ordered by a change'); END;
CREATE TRIGGER IF NOT EXISTS card_states BEFORE UPDATE OF state ON card WHEN NEW.state <> OLD.state AND NOT (
    (OLD.state = 'ordered' AND NEW.state = 'cancelled')
    OR (OLD.state = 'ordered' AND NEW.state = 'active' AND EXISTS (
        SELECT 1 FROM change WHERE state = 'switched' AND new_pan = NEW.pan AND new_sequence = NEW.sequence))
    OR (OLD.state = 'active' AND NEW.state IN ('blocked', 'switched off', 'cancelled'))
    OR (OLD.state = 'blocked' AND NEW.state IN ('active', 'switched off', 'cancelled'))
    OR (OLD.state = 'switched off' AND NEW.state = 'cancelled'))
BEGIN SELECT RAISE(ABORT, 'a card does not go from this state to that'); END;
CREATE TRIGGER IF NOT EXISTS frozen_cards BEFORE UPDATE OF state ON card WHEN NEW.state <> OLD.state AND EXISTS (
    SELECT 1 FROM change WHERE state IN ('frozen', 'ordered') AND NEW.pan IN (pan, new_pan))
BEGIN SELECT RAISE(ABORT, 'the cards of this number are frozen by a change'); END;
"""

CHANGES = """
CREATE TRIGGER IF NOT EXISTS change_stays BEFORE UPDATE OF number, pan, kind, old_sequence, holder_check ON change
BEGIN SELECT RAISE(ABORT, 'a change keeps its number and its card'); END;
CREATE TRIGGER IF NOT EXISTS change_states BEFORE UPDATE ON change WHEN NOT (
    (OLD.state = 'frozen' AND NEW.state IN ('ordered', 'undone'))
    OR (OLD.state = 'ordered' AND NEW.state IN ('switched', 'undone')
        AND NEW.new_pan = OLD.new_pan AND NEW.new_sequence = OLD.new_sequence))
BEGIN SELECT RAISE(ABORT, 'a change does not go from this state to that'); END;
CREATE TRIGGER IF NOT EXISTS switch_cards AFTER UPDATE OF state ON change WHEN NEW.state = 'switched'
BEGIN
    UPDATE card SET state = CASE NEW.new_pan WHEN NEW.pan THEN 'switched off' ELSE 'cancelled' END
        WHERE pan = NEW.pan AND sequence = NEW.old_sequence;
    UPDATE card SET state = 'active' WHERE pan = NEW.new_pan AND sequence = NEW.new_sequence;
END;
CREATE TRIGGER IF NOT EXISTS undo_order AFTER UPDATE OF state ON change WHEN NEW.state = 'undone'
BEGIN
    UPDATE card SET state = 'cancelled' WHERE pan = NEW.new_pan AND sequence = NEW.new_sequence;
END;
"""
"""What a switch does to the two cards is a trigger, so that no program can do half of it."""

AGREEMENTS = """
CREATE TABLE IF NOT EXISTS agreement (
    number TEXT PRIMARY KEY, account TEXT NOT NULL REFERENCES account,
    kind TEXT NOT NULL CHECK (kind IN ('payroll', 'utility', 'wealth')), party TEXT NOT NULL,
    ended INTEGER NOT NULL DEFAULT 0 CHECK (ended IN (0, 1))
) STRICT;
CREATE TRIGGER IF NOT EXISTS agreement_stays BEFORE UPDATE OF number, account, kind, party ON agreement
BEGIN SELECT RAISE(ABORT, 'an agreement is never changed; end it and make another one'); END;
CREATE TRIGGER IF NOT EXISTS agreement_ends_once BEFORE UPDATE OF ended ON agreement WHEN NEW.ended < OLD.ended
BEGIN SELECT RAISE(ABORT, 'an agreement that ended does not begin again'); END;
CREATE TRIGGER IF NOT EXISTS agreement_remains BEFORE DELETE ON agreement
BEGIN SELECT RAISE(ABORT, 'an agreement stays in the books'); END;
"""

REQUESTS = """
CREATE TABLE IF NOT EXISTS answered (
    desk TEXT NOT NULL, number TEXT NOT NULL, fingerprint TEXT NOT NULL, answer TEXT NOT NULL, PRIMARY KEY (desk, number)
) STRICT;
CREATE TABLE IF NOT EXISTS request (
    number TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, pan TEXT NOT NULL, sequence TEXT NOT NULL, kind TEXT NOT NULL,
    amount INTEGER NOT NULL, state TEXT NOT NULL, response TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS script (
    id INTEGER PRIMARY KEY, pan TEXT NOT NULL, sequence TEXT NOT NULL, content TEXT NOT NULL, state TEXT NOT NULL,
    request TEXT NOT NULL DEFAULT '', position INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE IF NOT EXISTS clearing (
    pan TEXT NOT NULL, sequence TEXT NOT NULL, counter TEXT NOT NULL, number TEXT NOT NULL UNIQUE,
    PRIMARY KEY (pan, sequence, counter)
) STRICT;
"""

SCHEMA = ACCOUNTS + MONEY + CARDS + CHANGES + AGREEMENTS + REQUESTS
