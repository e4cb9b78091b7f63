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
 * What has to be read so that some events can be understood.
 *
 * Whoever may be in a group that changed is read again, up to a number of people: beyond it, the service's own
 * reading of the course (its roster) finds what changed.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class needs {
    /** @var int how many people one group's event may have read again */
    public const PEOPLE = 500;

    /** @var int how many rows are asked for at a time */
    private const STEP = 500;

    /** @var string[] events after which all activities of the course are read again */
    private const WHOLE_COURSE = [
        'course_created', 'course_updated', 'course_restored', 'course_reset_ended', 'course_section_created',
        'course_section_updated', 'course_section_deleted',
    ];

    /** @var int[] courses */
    private array $courses = [];

    /** @var int[] courses of which all activities are read */
    private array $whole = [];

    /** @var int[] ids of courses by course module id */
    private array $modules = [];

    /** @var int[] users */
    private array $users = [];

    /** @var array[] course id and user id */
    private array $pairs = [];

    /** @var array[] course id, user id and course module id */
    private array $triples = [];

    /**
     * Adds what an event needs.
     *
     * @param \stdClass $row a row of the outbox
     * @param \stdClass $data its event
     */
    public function add(\stdClass $row, \stdClass $data): void {
        [$courseid, $userid, $cmid] = [(int) $row->courseid, (int) $row->userid, (int) $row->cmid];
        $name = substr($row->eventname, (int) strrpos($row->eventname, '\\') + 1);
        if ($courseid) {
            $this->courses[$courseid] = $courseid;
            if (in_array($name, self::WHOLE_COURSE, true)) {
                $this->whole[$courseid] = $courseid;
            }
        }
        if ($courseid && $cmid) {
            $this->modules[$cmid] = $courseid;
        }
        if ($userid) {
            $this->person($courseid, $userid);
        }
        if ($courseid && $cmid && $userid) {
            $this->triples["$userid-$cmid"] = [$courseid, $userid, $cmid];
        }
        if ($courseid && !$userid && str_starts_with($name, 'group')) {
            foreach (self::members($name, $courseid, $data) as $member) {
                $this->person($courseid, (int) $member);
            }
        }
    }

    /**
     * How many readings these are, whole courses left aside.
     *
     * @return int
     */
    public function count(): int {
        return count($this->courses) + count($this->modules) + count($this->users) + count($this->pairs)
            + count($this->triples);
    }

    /**
     * Takes the readings, a part at a time.
     *
     * @param readings $readings
     * @return \Generator
     */
    public function read(readings $readings): \Generator {
        yield from $this->parts($this->courses, $readings->courses(...));
        foreach ($this->whole as $courseid) {
            $modules = $readings->course_modules($courseid);
            foreach ($modules as $reading) {
                unset($this->modules[$reading['module']]);
            }
            yield from $modules;
        }
        yield from $this->parts($this->modules, $readings->modules(...));
        yield from $this->parts($this->users, $readings->accounts(...));
        yield from $this->parts($this->pairs, $readings->enrolments(...));
        yield from $this->parts($this->triples, $readings->completions(...));
    }

    /**
     * Reads many things, a part at a time.
     *
     * @param array $wanted
     * @param \Closure $read
     * @return \Generator
     */
    private function parts(array $wanted, \Closure $read): \Generator {
        foreach (array_chunk($wanted, self::STEP, true) as $part) {
            foreach ($read($part) as $reading) {
                yield $reading;
            }
        }
    }

    /**
     * Adds a person, and how they take part in a course.
     *
     * @param int $courseid 0: none
     * @param int $userid
     */
    private function person(int $courseid, int $userid): void {
        $this->users[$userid] = $userid;
        if ($courseid) {
            $this->pairs["$courseid-$userid"] = [$courseid, $userid];
        }
    }

    /**
     * Who is, or may have been, in a group or grouping that an event is about. Where the group is gone, nothing tells any
     * more who was in it: then it is everybody in the course.
     *
     * @param string $name the event's short name
     * @param int $courseid
     * @param \stdClass $data
     * @return int[] none where they are too many
     */
    private static function members(string $name, int $courseid, \stdClass $data): array {
        global $DB;
        if (str_ends_with($name, '_deleted')) {
            $sql = 'SELECT DISTINCT ue.userid
                      FROM {user_enrolments} ue
                      JOIN {enrol} e ON e.id = ue.enrolid
                     WHERE e.courseid = ?';
            $id = $courseid;
        } else if ($name === 'grouping_updated') {
            $sql = 'SELECT DISTINCT gm.userid
                      FROM {groups_members} gm
                      JOIN {groupings_groups} gg ON gg.groupid = gm.groupid
                     WHERE gg.groupingid = ?';
            $id = (int) ($data->objectid ?? 0);
        } else {
            $sql = 'SELECT gm.userid FROM {groups_members} gm WHERE gm.groupid = ?';
            $id = (int) ($name === 'group_updated' ? $data->objectid ?? 0 : $data->other->groupid ?? 0);
        }
        $members = array_keys($DB->get_records_sql($sql, [$id], 0, self::PEOPLE + 1));
        return count($members) > self::PEOPLE ? [] : $members;
    }
}
