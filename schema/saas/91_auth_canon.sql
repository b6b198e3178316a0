-- The trigger of auth.users, for the stand-in of 05_auth.sql only: the login schema of a platform is left alone.

CREATE TRIGGER trg_users_updated_at
    BEFORE UPDATE ON auth.users
    FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();
