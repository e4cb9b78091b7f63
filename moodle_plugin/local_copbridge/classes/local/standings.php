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
 * How people stand in their communities, as the service told it last. Pages read nothing else.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class standings {
    /** @var string how people stand */
    private const STANDING = 'local_copbridge_standing';

    /** @var string what communities are called, and how fresh they are */
    private const COURSE = 'local_copbridge_course';

    /** @var int clocks differ; a moment later than this would keep out all that comes after it */
    private const AHEAD = DAYSECS;

    /**
     * Keeps what the service tells.
     *
     * A row without data removes what is there. What is newer here stands.
     *
     * @param array $standings arrays of courseid, userid, asof and data
     * @param array $courses arrays of courseid, asof and data
     * @return array kept: how many; refused: arrays of courseid, userid (0: the course itself) and reason
     */
    public static function keep(array $standings, array $courses): array {
        global $DB;
        $kept = 0;
        $refused = [];
        $there = self::existing('course', array_column([...$courses, ...$standings], 'courseid'));
        $held = self::held(self::COURSE, $courses);
        foreach ($courses as $row) {
            $row['userid'] = 0;
            $reason = self::fault($row, shape::is_course(...), $there, [0 => true])
                ?? self::write(self::COURSE, $row, $held[$row['courseid'] . '-0'] ?? null);
            $reason === null ? $kept++ : $refused[] = self::refusal($row, $reason);
        }
        $held = self::held(self::STANDING, $standings);
        $users = self::existing('user', array_column($standings, 'userid'), 'deleted = 0');
        foreach ($standings as $row) {
            $reason = self::fault($row, shape::is_standing(...), $there, $users)
                ?? self::write(self::STANDING, $row, $held[$row['courseid'] . '-' . $row['userid']] ?? null);
            $reason === null ? $kept++ : $refused[] = self::refusal($row, $reason);
        }
        return ['kept' => $kept, 'refused' => $refused, 'held' => $DB->count_records(self::STANDING)];
    }

    /**
     * How somebody stands; null as long as nothing was told.
     *
     * @param int $courseid
     * @param int $userid
     * @return \stdClass|null the standing, with the moment that it is of as `asof`
     */
    public static function of(int $courseid, int $userid): ?\stdClass {
        global $DB;
        $row = $DB->get_record(self::STANDING, ['courseid' => $courseid, 'userid' => $userid], 'data, asof');
        return $row ? self::read($row) : null;
    }

    /**
     * The courses in which something was told of somebody.
     *
     * @param int $userid
     * @return int[]
     */
    public static function courses_of(int $userid): array {
        global $DB;
        return array_map('intval', $DB->get_fieldset_select(self::STANDING, 'courseid', 'userid = :user', ['user' => $userid]));
    }

    /**
     * What is known of a community; null as long as nothing was told.
     *
     * @param int $courseid
     * @return \stdClass|null with the moment that it is of as `asof`
     */
    public static function course(int $courseid): ?\stdClass {
        global $DB;
        $row = $DB->get_record(self::COURSE, ['courseid' => $courseid], 'data, asof');
        return $row ? self::read($row) : null;
    }

    /**
     * How everybody in a community stands, without the single activities and sessions.
     *
     * @param int $courseid
     * @return \stdClass[] by user id
     */
    public static function roster(int $courseid): array {
        global $DB;
        $found = [];
        $rows = $DB->get_recordset(self::STANDING, ['courseid' => $courseid], 'userid', 'userid, data, asof');
        foreach ($rows as $row) {
            $standing = self::read($row);
            if ($standing !== null) {
                // A course can have a thousand participants: what their own page alone shows isn't held for all of them.
                unset($standing->activities, $standing->sessions, $standing->other);
                $found[(int) $row->userid] = $standing;
            }
        }
        $rows->close();
        return $found;
    }

    /**
     * A row as its reader wants it.
     *
     * @param \stdClass $row
     * @return \stdClass|null null where it can't be read
     */
    private static function read(\stdClass $row): ?\stdClass {
        $data = json_decode($row->data);
        if (!$data instanceof \stdClass) {
            return null;
        }
        $data->asof = (int) $row->asof;
        return $data;
    }

    /**
     * Why a row isn't taken; null where it is.
     *
     * @param array $row
     * @param callable $check
     * @param bool[] $courses which courses exist
     * @param bool[] $users who exists
     * @return string|null
     */
    private static function fault(array $row, callable $check, array $courses, array $users): ?string {
        if ($row['asof'] < 0 || $row['asof'] > \core\di::get(\core\clock::class)->time() + self::AHEAD) {
            return 'malformed';
        }
        if ($row['data'] === '') {
            // Whatever is no longer told can go, also after a course or a person has.
            return null;
        }
        if (!isset($courses[$row['courseid']]) || !scope::has_course($row['courseid'])) {
            return 'notchosen';
        }
        if (!isset($users[$row['userid']])) {
            return 'unknown_user';
        }
        return $check($row['data']) ? null : 'malformed';
    }

    /**
     * Writes a row, or removes it.
     *
     * @param string $table
     * @param array $row
     * @param \stdClass|null $held what was there
     * @return string|null why it wasn't written
     */
    private static function write(string $table, array $row, ?\stdClass $held): ?string {
        global $DB;
        $key = ['courseid' => $row['courseid']] + ($table === self::STANDING ? ['userid' => $row['userid']] : []);
        if ($held !== null && (int) $held->asof > $row['asof']) {
            return 'older';
        }
        if ($row['data'] === '') {
            $where = implode(' AND ', array_map(fn(string $name): string => "$name = :$name", array_keys($key)));
            $DB->delete_records_select($table, "$where AND asof <= :asof", $key + ['asof' => $row['asof']]);
            return null;
        }
        $values = ['data' => $row['data'], 'asof' => $row['asof'], 'timemodified' => \core\di::get(\core\clock::class)->time()];
        if ($held === null) {
            try {
                $DB->insert_record($table, (object) ($key + $values), false);
                return null;
            } catch (\dml_write_exception $e) {
                // Another call was faster, or the same key is in this one twice: then it is an update.
                $held = $DB->get_record($table, $key, 'id, asof', MUST_EXIST);
            }
        }
        return self::update($table, (int) $held->id, $values);
    }

    /**
     * Overwrites a row, unless somebody has written a newer one meanwhile.
     *
     * @param string $table
     * @param int $id
     * @param array $values
     * @return string|null why it wasn't written
     */
    private static function update(string $table, int $id, array $values): ?string {
        global $DB;
        $DB->execute(
            "UPDATE {{$table}} SET data = :data, timemodified = :timemodified, asof = :asof WHERE id = :id AND asof <= :least",
            $values + ['id' => $id, 'least' => $values['asof']]
        );
        return $DB->record_exists_select($table, 'id = :id AND asof > :asof', ['id' => $id, 'asof' => $values['asof']])
            ? 'older' : null;
    }

    /**
     * The rows that are there already, by course and user.
     *
     * @param string $table
     * @param array $rows
     * @return \stdClass[] by "courseid-userid"
     */
    private static function held(string $table, array $rows): array {
        global $DB;
        if (!$rows) {
            return [];
        }
        [$incourses, $params] = $DB->get_in_or_equal(array_unique(array_column($rows, 'courseid')), SQL_PARAMS_NAMED, 'c');
        $where = "courseid $incourses";
        $fields = 'id, courseid, asof';
        if ($table === self::STANDING) {
            [$inusers, $more] = $DB->get_in_or_equal(array_unique(array_column($rows, 'userid')), SQL_PARAMS_NAMED, 'u');
            $where .= " AND userid $inusers";
            $params += $more;
            $fields .= ', userid';
        }
        $found = [];
        foreach ($DB->get_records_select($table, $where, $params, '', $fields) as $row) {
            $found[$row->courseid . '-' . ($row->userid ?? 0)] = $row;
        }
        return $found;
    }

    /**
     * Which of some rows there are.
     *
     * @param string $table
     * @param int[] $ids
     * @param string $where what else has to hold
     * @return bool[] true by id
     */
    private static function existing(string $table, array $ids, string $where = '1 = 1'): array {
        global $DB;
        if (!$ids) {
            return [];
        }
        [$in, $params] = $DB->get_in_or_equal(array_unique($ids), SQL_PARAMS_NAMED);
        return array_map(fn(): bool => true, $DB->get_records_select($table, "$where AND id $in", $params, '', 'id'));
    }

    /**
     * A row that wasn't taken, as the answer names it.
     *
     * @param array $row
     * @param string $reason
     * @return array
     */
    private static function refusal(array $row, string $reason): array {
        return ['courseid' => $row['courseid'], 'userid' => $row['userid'], 'reason' => $reason];
    }
}
