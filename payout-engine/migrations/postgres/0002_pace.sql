-- What all who call the gateway for a merchant share. Times are microseconds since 1970 by the clock of the
-- database, because a thousand calls a second are less than a millisecond apart.
CREATE TABLE pace (
    base_url      TEXT   NOT NULL,
    seller_code   TEXT   NOT NULL,
    -- The first slot for a call that nobody reserved yet.
    next_slot     BIGINT NOT NULL DEFAULT 0,
    -- Nobody calls before that.
    paused_until  BIGINT NOT NULL DEFAULT 0,
    -- The circuit: since when it is open, how many probes failed, until when somebody is at one.
    open_since    BIGINT,
    probes        BIGINT NOT NULL DEFAULT 0,
    probing_until BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (base_url, seller_code)
);

CREATE FUNCTION now_micros() RETURNS BIGINT LANGUAGE sql VOLATILE AS
    $$ SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint $$;
