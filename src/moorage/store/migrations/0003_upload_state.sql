-- What the blob store needs in order to find the bytes of a session again, on whichever
-- replica goes on with it. Only the store can read it.
ALTER TABLE upload ADD COLUMN state {{text}};

-- Since when nobody may advance or finish the session: its bytes are being removed.
ALTER TABLE upload ADD COLUMN ended_at_us {{int}};
