-- Few are blocked: their list is a range of this.
CREATE INDEX account_blocked ON account (id) WHERE blocked_at_us IS NOT NULL;
