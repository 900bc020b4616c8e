-- Who gave a right for a single record, when, and as what somebody is in its team: three columns more in every object's access table.
DO $$
DECLARE found name;
BEGIN
    FOR found IN
        SELECT tablename FROM pg_catalog.pg_tables WHERE schemaname = current_schema() AND tablename LIKE '%\_\_access'
    LOOP
        EXECUTE format(
            'ALTER TABLE %I ADD COLUMN IF NOT EXISTS role text, ADD COLUMN IF NOT EXISTS by uuid,'
            ' ADD COLUMN IF NOT EXISTS at timestamptz', found
        );
    END LOOP;
END
$$;
