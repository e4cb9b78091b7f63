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
 * The log of what was sent, for the administrator.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class deliveries {
    /** @var string the table */
    private const TABLE = 'local_copbridge_delivery';

    /** @var int how many are kept */
    public const KEPT = 1000;

    /**
     * Notes a post.
     *
     * @param body $body
     * @param result $result
     * @param int $millis how long it took
     */
    public static function note(body $body, result $result, int $millis): void {
        global $DB;
        $DB->insert_record(self::TABLE, (object) [
            'timesent' => \core\di::get(\core\clock::class)->time(),
            'events' => count($body->rows),
            'readings' => count($body->kinds),
            'bytes' => strlen($body->json),
            'millis' => $millis,
            'httpstatus' => $result->status,
            'outcome' => $result->outcome,
            'detail' => $result->detail === '' ? null : $result->detail,
        ], false);
    }

    /**
     * The latest.
     *
     * @param int $limit
     * @param int $offset
     * @return \stdClass[]
     */
    public static function latest(int $limit, int $offset = 0): array {
        global $DB;
        return $DB->get_records(self::TABLE, null, 'id DESC', '*', $offset, $limit);
    }

    /**
     * Keeps the latest ones that are not older than a time.
     *
     * @param int $before Unix seconds
     */
    public static function prune(int $before): void {
        global $DB;
        $DB->delete_records_select(self::TABLE, 'timesent < :before', ['before' => $before]);
        $latest = $DB->get_fieldset_sql('SELECT MAX(id) FROM {' . self::TABLE . '}');
        $DB->delete_records_select(self::TABLE, 'id <= :id', ['id' => (int) reset($latest) - self::KEPT]);
    }
}
