<?php
// This file is part of Moodle - http://moodle.org/
//
// Moodle is free software: you can redistribute it and/or modify
// it under the terms of the GNU General Public License as published by
// the Free Software Foundation, either version 3 of the License, or
// (at your option) any later version.
//
// Moodle is distributed in the hope that it will be useful,
// but WITHOUT ANY WARRANTY; without even the implied warranty of
// MERCHANTABILITY or FITNESS FOR A PARTICULAR PURPOSE.  See the
// GNU General Public License for more details.
//
// You should have received a copy of the GNU General Public License
// along with Moodle.  If not, see <http://www.gnu.org/licenses/>.

namespace local_copbridge\local;

/**
 * The events that wait to be handed over.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class outbox {
    /** @var string the table */
    private const TABLE = 'local_copbridge_outbox';

    /** @var int the longest event in bytes; a longer one goes without its "other" */
    private const LONGEST = 32768;

    /** @var int flags that let any value become valid JSON */
    private const LENIENT = JSON_INVALID_UTF8_SUBSTITUTE | JSON_PARTIAL_OUTPUT_ON_ERROR | JSON_UNESCAPED_SLASHES
        | JSON_UNESCAPED_UNICODE;

    /**
     * Keeps an event, in the transaction of what caused it.
     *
     * @param \core\event\base $event
     */
    public static function add(\core\event\base $event): void {
        $data = $event->get_data();
        $userid = $data['relateduserid'] ?? 0;
        if ($data['objecttable'] === 'user') {
            $userid = $data['objectid'];
        }
        $cmid = (int) $data['contextlevel'] === CONTEXT_MODULE ? $data['contextinstanceid'] : 0;
        self::insert($data, (int) $userid, (int) $cmid);
    }

    /**
     * Keeps a row of our own: something changed that core has no event for.
     *
     * @param string $eventname
     * @param int $courseid 0: none
     * @param int $userid whom it happened to; 0: nobody
     * @param int $cmid 0: none
     * @param array $other
     */
    public static function note(string $eventname, int $courseid, int $userid, int $cmid, array $other = []): void {
        global $USER;
        $level = $cmid ? CONTEXT_MODULE : ($courseid ? CONTEXT_COURSE : CONTEXT_SYSTEM);
        $data = [
            'eventname' => $eventname,
            'component' => 'local_copbridge',
            'objectid' => null,
            'contextlevel' => $level,
            'contextinstanceid' => $cmid ?: $courseid,
            'userid' => (int) ($USER->id ?? 0),
            'courseid' => $courseid,
            'relateduserid' => $userid ?: null,
            'other' => $other ?: null,
            'timecreated' => \core\di::get(\core\clock::class)->time(),
        ];
        self::insert($data, $userid, $cmid);
    }

    /**
     * Counts a row that could not be kept. The count itself must not fail either.
     */
    public static function count_failure(): void {
        try {
            set_config('outboxfailures', (int) settings::get('outboxfailures') + 1, 'local_copbridge');
            set_config('lostat', \core\di::get(\core\clock::class)->time(), 'local_copbridge');
        } catch (\Throwable $e) {
            debugging('CoP Bridge could not count a failure: ' . $e->getMessage(), DEBUG_DEVELOPER);
        }
    }

    /**
     * How many rows wait to be sent.
     *
     * @return int
     */
    public static function waiting(): int {
        global $DB;
        return $DB->count_records(self::TABLE, ['dead' => 0]);
    }

    /**
     * Whether a row waits: cheaper than to count.
     *
     * @return bool
     */
    public static function any(): bool {
        global $DB;
        return $DB->record_exists(self::TABLE, ['dead' => 0]);
    }

    /**
     * When the oldest row that waits was written.
     *
     * @return int|null Unix seconds; null where none waits
     */
    public static function oldest(): ?int {
        $first = self::next(1);
        return $first ? (int) reset($first)->timecreated : null;
    }

    /**
     * How many activities of somebody in a course wait to be sent.
     *
     * @param int $courseid
     * @param int $userid
     * @return int
     */
    public static function on_their_way(int $courseid, int $userid): int {
        global $DB;
        $sql = 'SELECT COUNT(DISTINCT cmid)
                  FROM {' . self::TABLE . '}
                 WHERE courseid = :courseid AND userid = :userid AND dead = 0 AND cmid > 0';
        return $DB->count_records_sql($sql, ['courseid' => $courseid, 'userid' => $userid]);
    }

    /**
     * The first rows that wait.
     *
     * @param int $limit
     * @return \stdClass[] by id, in order
     */
    public static function next(int $limit): array {
        global $DB;
        return $DB->get_records(self::TABLE, ['dead' => 0], 'id ASC', '*', 0, $limit);
    }

    /**
     * The rows that were given up, the latest first.
     *
     * @param int $limit 0: all
     * @param int $offset
     * @return \stdClass[]
     */
    public static function dead(int $limit, int $offset = 0): array {
        global $DB;
        return $DB->get_records(self::TABLE, ['dead' => 1], 'id DESC', '*', $offset, $limit);
    }

    /**
     * Has rows sent again that were given up.
     *
     * @param int[] $ids none: all of them
     * @return int how many
     */
    public static function retry(array $ids = []): int {
        global $DB;
        [$where, $params] = self::dead_among($ids);
        $count = $DB->count_records_select(self::TABLE, $where, $params);
        $DB->set_field_select(self::TABLE, 'dead', 0, $where, $params);
        return $count;
    }

    /**
     * Removes rows that were given up.
     *
     * @param int[] $ids none: all of them
     * @return int how many
     */
    public static function discard(array $ids = []): int {
        global $DB;
        [$where, $params] = self::dead_among($ids);
        $count = $DB->count_records_select(self::TABLE, $where, $params);
        $DB->delete_records_select(self::TABLE, $where, $params);
        return $count;
    }

    /**
     * Removes rows that were taken: these and no others, for ids are not committed in their order.
     *
     * @param int[] $ids
     */
    public static function done(array $ids): void {
        global $DB;
        if ($ids) {
            $DB->delete_records_list(self::TABLE, 'id', $ids);
        }
    }

    /**
     * Gives a row up.
     *
     * @param \stdClass $row
     * @param string $reason
     */
    public static function bury(\stdClass $row, string $reason): void {
        global $DB;
        $DB->update_record(self::TABLE, (object) [
            'id' => $row->id,
            'dead' => 1,
            'attempts' => $row->attempts + 1,
            'reason' => \core_text::substr($reason, 0, 255),
        ]);
    }

    /**
     * Drops what is older than a time.
     *
     * @param int $before Unix seconds
     * @return int how many rows
     */
    public static function drop(int $before): int {
        global $DB;
        $count = $DB->count_records_select(self::TABLE, 'timecreated < :before', ['before' => $before]);
        if ($count) {
            $DB->delete_records_select(self::TABLE, 'timecreated < :before', ['before' => $before]);
        }
        return $count;
    }

    /**
     * Removes everything.
     */
    public static function clear(): void {
        global $DB;
        $DB->delete_records(self::TABLE);
    }

    /**
     * The condition for rows that were given up.
     *
     * @param int[] $ids none: all of them
     * @return array SQL and parameters
     */
    private static function dead_among(array $ids): array {
        global $DB;
        if (!$ids) {
            return ['dead = 1', []];
        }
        [$in, $params] = $DB->get_in_or_equal($ids, SQL_PARAMS_NAMED);
        return ["dead = 1 AND id $in", $params];
    }

    /**
     * Writes a row, or counts that it could not be written. Nothing in an event can make the row invalid; where the
     * database itself fails, Moodle's driver undoes that one statement, and the transaction around it goes on.
     *
     * @param array $data in the shape of get_data()
     * @param int $userid
     * @param int $cmid
     */
    private static function insert(array $data, int $userid, int $cmid): void {
        global $DB;
        try {
            $DB->insert_record(self::TABLE, (object) [
                'uuid' => \core\uuid::generate(),
                'eventname' => \core_text::substr((string) $data['eventname'], 0, 255),
                'data' => self::json($data),
                'courseid' => max(0, (int) $data['courseid']),
                'userid' => max(0, $userid),
                'cmid' => max(0, $cmid),
                'dead' => 0,
                'attempts' => 0,
                'timecreated' => (int) $data['timecreated'],
            ], false);
        } catch (\Throwable $e) {
            self::count_failure();
        }
    }

    /**
     * An event as JSON that the database, and the receiver's, can hold.
     *
     * @param array $data
     * @return string
     */
    private static function json(array $data): string {
        $json = json_encode($data, self::LENIENT);
        if ($json === false || strlen($json) > self::LONGEST) {
            $data['other'] = null;
            $json = json_encode($data, self::LENIENT) ?: '{}';
        }
        // A NUL character is valid JSON, but no database holds it. An even number of backslashes before: it is one.
        return preg_replace('/(?<!\\\\)((?:\\\\\\\\)*)\\\\u0000/', '$1', $json) ?? $json;
    }
}
