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

use local_copbridge\event\hours_updated;

/**
 * Participation hours as declared for activities: at most one row for each course module.
 *
 * Nothing here asks for a capability: who calls does.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class hours {
    /** The most that one activity can be declared with: 100 hours. */
    public const MAX_MINUTES = 6000;

    /** What a component's code looks like in a program file. */
    public const COMPONENT = '/^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$/D';

    /** @var string the table */
    private const TABLE = 'local_copbridge_hours';

    /**
     * What is declared in a course.
     *
     * @param int $courseid
     * @return \stdClass[] rows by course module id
     */
    public static function of_course(int $courseid): array {
        global $DB;
        $rows = [];
        foreach ($DB->get_records(self::TABLE, ['courseid' => $courseid], 'cmid') as $row) {
            $rows[(int) $row->cmid] = $row;
        }
        return $rows;
    }

    /**
     * What is declared for an activity.
     *
     * @param int $cmid
     * @return \stdClass|null null where nothing is
     */
    public static function of(int $cmid): ?\stdClass {
        global $DB;
        return $DB->get_record(self::TABLE, ['cmid' => $cmid]) ?: null;
    }

    /**
     * Whether these hours may be kept.
     *
     * @param int $minutes
     * @param string $component its code, or '': the program decides
     * @return bool
     */
    public static function valid(int $minutes, string $component): bool {
        return $minutes >= 0 && $minutes <= self::MAX_MINUTES
            && ($component === '' || preg_match(self::COMPONENT, $component));
    }

    /**
     * A row's content as one word, so that a form can tell whether it changed since it was opened.
     *
     * The content, not the time: a second is too coarse, and who changed it back did no harm.
     *
     * @param \stdClass|null $row
     * @return string "90:online"; '' where nothing is declared
     */
    public static function state(?\stdClass $row): string {
        return $row ? $row->minutes . ':' . $row->component : '';
    }

    /**
     * Declares an activity's hours, or takes them back.
     *
     * @param int $cmid
     * @param int|null $minutes null: none are declared any more
     * @param string $component
     * @param int $userid who does it
     */
    public static function set(int $cmid, ?int $minutes, string $component, int $userid): void {
        global $DB;
        if ($minutes !== null && !self::valid($minutes, $component)) {
            throw new \invalid_parameter_exception("minutes $minutes, component $component");
        }
        $before = self::of($cmid);
        $after = $minutes === null ? null : (object) ['minutes' => $minutes, 'component' => $component];
        if (self::state($before) === self::state($after)) {
            return;
        }
        $courseid = (int) $DB->get_field('course_modules', 'course', ['id' => $cmid], MUST_EXIST);
        // The row, Moodle's log and the note to the service: all or none.
        $transaction = $DB->start_delegated_transaction();
        $rowid = self::write($before, $after, $cmid, $courseid, $userid);
        self::tell($rowid, $cmid, $courseid, $before, $after, $userid);
        $transaction->allow_commit();
    }

    /**
     * Writes, or removes, the row.
     *
     * @param \stdClass|null $before the row as it is
     * @param \stdClass|null $after minutes and component
     * @param int $cmid
     * @param int $courseid
     * @param int $userid
     * @return int the row's id
     */
    private static function write(?\stdClass $before, ?\stdClass $after, int $cmid, int $courseid, int $userid): int {
        global $DB;
        if (!$after) {
            $DB->delete_records(self::TABLE, ['id' => $before->id]);
            return (int) $before->id;
        }
        $row = [
            'cmid' => $cmid,
            'courseid' => $courseid,
            'minutes' => $after->minutes,
            'component' => $after->component,
            'usermodified' => $userid,
            'timemodified' => \core\di::get(\core\clock::class)->time(),
        ];
        if (!$before) {
            return (int) $DB->insert_record(self::TABLE, $row);
        }
        $DB->update_record(self::TABLE, ['id' => $before->id] + $row);
        return (int) $before->id;
    }

    /**
     * Says so in Moodle's log, and has the service told.
     *
     * @param int $rowid
     * @param int $cmid
     * @param int $courseid
     * @param \stdClass|null $before
     * @param \stdClass|null $after
     * @param int $userid
     */
    private static function tell(
        int $rowid,
        int $cmid,
        int $courseid,
        ?\stdClass $before,
        ?\stdClass $after,
        int $userid
    ): void {
        $other = [
            'minutes' => $after ? (int) $after->minutes : null,
            'component' => $after ? $after->component : '',
            'minutesbefore' => $before ? (int) $before->minutes : null,
            'componentbefore' => $before ? $before->component : '',
        ];
        hours_updated::create([
            'objectid' => $rowid,
            'context' => \context_module::instance($cmid),
            'userid' => $userid,
            'other' => $other,
        ])->trigger();
        if (scope::has_course($courseid)) {
            outbox::note('\\' . hours_updated::class, $courseid, 0, $cmid, $other);
        }
    }

    /**
     * Forgets a deleted activity. Its deletion is told as such: nothing is said here.
     *
     * @param int $cmid
     */
    public static function forget_module(int $cmid): void {
        global $DB;
        $DB->delete_records(self::TABLE, ['cmid' => $cmid]);
    }

    /**
     * Forgets all activities of a course that was deleted or emptied.
     *
     * @param int $courseid
     */
    public static function forget_course(int $courseid): void {
        global $DB;
        $DB->delete_records(self::TABLE, ['courseid' => $courseid]);
    }
}
