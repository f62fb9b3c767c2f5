"""The tables of the centre's books, with the rules that no program may break: a transaction that breaks one cannot be committed."""

PERSONS = """
CREATE TABLE IF NOT EXISTS person (
    person TEXT PRIMARY KEY, name TEXT NOT NULL, insured INTEGER NOT NULL CHECK (insured IN (0, 1)),
    deductible INTEGER NOT NULL CHECK (deductible >= 0), rate INTEGER NOT NULL CHECK (rate BETWEEN 0 AND 1000),
    fund_limit INTEGER NOT NULL CHECK (fund_limit >= 0), year TEXT NOT NULL,
    deductible_used INTEGER NOT NULL DEFAULT 0 CHECK (deductible_used BETWEEN 0 AND deductible),
    own_year INTEGER NOT NULL DEFAULT 0 CHECK (own_year >= 0),
    fund_year INTEGER NOT NULL DEFAULT 0 CHECK (fund_year BETWEEN 0 AND fund_limit)
) STRICT;
"""

REGISTER = """
CREATE TABLE IF NOT EXISTS card (
    card TEXT PRIMARY KEY, person TEXT NOT NULL REFERENCES person, historical TEXT NOT NULL,
    state INTEGER NOT NULL CHECK (state IN (0, 1, 2, 3, 4, 9))
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS one_card_in_use ON card (person) WHERE state IN (1, 3, 4);
CREATE UNIQUE INDEX IF NOT EXISTS one_card_sealed ON card (person) WHERE state = 0;
CREATE TABLE IF NOT EXISTS act (
    id INTEGER PRIMARY KEY, card TEXT NOT NULL REFERENCES card, source INTEGER NOT NULL, target INTEGER NOT NULL,
    channel TEXT NOT NULL CHECK (channel IN ('phone', 'window', 'station')),
    CONSTRAINT states CHECK (source * 10 + target IN (1, 9, 12, 13, 14, 19, 21, 29, 31, 39, 41, 42, 49)),
    CONSTRAINT phone CHECK (channel <> 'phone' OR source * 10 + target IN (14, 41)),
    CONSTRAINT formal CHECK (channel = 'window' OR (target <> 2 AND source * 10 + target <> 21))
) STRICT;
CREATE TRIGGER IF NOT EXISTS card_begins BEFORE INSERT ON card WHEN NEW.state NOT IN (0, 1)
BEGIN SELECT RAISE(ABORT, 'a card enters the register sealed, or as a finished one in use'); END;
CREATE TRIGGER IF NOT EXISTS card_stays BEFORE UPDATE OF card, person, historical ON card
BEGIN SELECT RAISE(ABORT, 'a card keeps its identification, its holder and its chip'); END;
CREATE TRIGGER IF NOT EXISTS card_remains BEFORE DELETE ON card
BEGIN SELECT RAISE(ABORT, 'a card stays in the register'); END;
CREATE TRIGGER IF NOT EXISTS act_fits BEFORE INSERT ON act
WHEN NOT EXISTS (SELECT 1 FROM card WHERE card = NEW.card AND state = NEW.source)
BEGIN SELECT RAISE(ABORT, 'the card is in another state'); END;
CREATE TRIGGER IF NOT EXISTS act_acts AFTER INSERT ON act
BEGIN UPDATE card SET state = NEW.target WHERE card = NEW.card; END;
CREATE TRIGGER IF NOT EXISTS act_stays BEFORE UPDATE ON act
BEGIN SELECT RAISE(ABORT, 'an act is never changed'); END;
CREATE TRIGGER IF NOT EXISTS act_remains BEFORE DELETE ON act
BEGIN SELECT RAISE(ABORT, 'an act stays in the register'); END;
CREATE TRIGGER IF NOT EXISTS card_follows_acts BEFORE UPDATE OF state ON card WHEN NOT EXISTS (
    SELECT 1 FROM act WHERE id = (SELECT MAX(id) FROM act WHERE card = NEW.card) AND source = OLD.state AND target = NEW.state)
BEGIN SELECT RAISE(ABORT, 'a card changes its state by an act alone'); END;
"""
"""States: 0 封存, 1 正常, 2 正式挂失, 3 应用锁定, 4 临时挂失, 9 注销. A person has at most one card in use and one sealed; a
cancelled card never comes back; a loss reported in writing is lifted at a window alone, one by phone at either."""

MONEY = """
CREATE TABLE IF NOT EXISTS settlement (
    number TEXT PRIMARY KEY, person TEXT NOT NULL REFERENCES person, card TEXT NOT NULL REFERENCES card,
    category TEXT NOT NULL, offline INTEGER NOT NULL, total INTEGER NOT NULL CHECK (total > 0),
    account INTEGER NOT NULL CHECK (account >= 0), own INTEGER NOT NULL CHECK (own >= 0),
    fund INTEGER NOT NULL CHECK (fund >= 0), deductible INTEGER NOT NULL CHECK (deductible >= 0),
    state TEXT NOT NULL CHECK (state IN ('quoted', 'cleared', 'reversed')), year TEXT NOT NULL,
    card_number TEXT, tac TEXT, covered TEXT,
    CHECK (account + own + fund = total), CHECK ((state = 'cleared') <= (tac IS NOT NULL)),
    UNIQUE (card, covered)
) STRICT;
CREATE TABLE IF NOT EXISTS load (
    number TEXT PRIMARY KEY, person TEXT NOT NULL REFERENCES person, card TEXT NOT NULL REFERENCES card,
    random TEXT NOT NULL, card_number TEXT NOT NULL, balance INTEGER NOT NULL, amount INTEGER NOT NULL CHECK (amount > 0),
    terminal TEXT NOT NULL, time TEXT NOT NULL, mac2 TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('offered', 'loaded', 'reversed'))
) STRICT;
CREATE TABLE IF NOT EXISTS taken_back (number TEXT PRIMARY KEY) STRICT;
CREATE TABLE IF NOT EXISTS movement (
    id INTEGER PRIMARY KEY, book TEXT NOT NULL, amount INTEGER NOT NULL CHECK (amount <> 0), settlement TEXT NOT NULL,
    reason TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS movement_of_book ON movement (book);
"""

SCHEMA = PERSONS + REGISTER + MONEY
