-- Times only go forward: batches of several processes arrive in any order.

-- name: of_manifest
UPDATE manifest
   SET pull_count = pull_count + :pulls,
       pulled_at_us = CASE WHEN pulled_at_us > :pulled_at_us
                           THEN pulled_at_us ELSE :pulled_at_us END
 WHERE id = :manifest_id;

-- name: of_tag
UPDATE tag
   SET pull_count = pull_count + :pulls,
       pulled_at_us = CASE WHEN pulled_at_us > :pulled_at_us
                           THEN pulled_at_us ELSE :pulled_at_us END
 WHERE repository_id = :repository_id AND name = :tag;
