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

use stdClass;

/**
 * Readings of content: courses and their activities.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class readings_content {
    /**
     * Readings with some course fields.
     *
     * @param string[] $coursefields short names of the custom course fields that are handed over
     */
    public function __construct(
        /** @var string[] */
        private readonly array $coursefields,
    ) {
    }

    /**
     * Courses; one that isn't there is told as gone.
     *
     * @param int[] $ids
     * @return array[] in the order of the ids
     */
    public function courses(array $ids): array {
        global $DB;
        $found = [];
        foreach (array_chunk($ids, readings::CHUNK) as $chunk) {
            $at = plain::now();
            [$in, $params] = $DB->get_in_or_equal($chunk);
            $rows = $DB->get_records_sql("
                SELECT c.id, c.shortname, c.fullname, c.idnumber, c.category, c.visible, c.startdate, c.enddate,
                       k.idnumber AS categoryidnumber, o.id AS original
                  FROM {course} c
             LEFT JOIN {course_categories} k ON k.id = c.category
             LEFT JOIN {course} o ON o.id = c.originalcourseid AND o.id <> c.id
                 WHERE c.id $in", $params);
            $fields = custom_fields::of_courses(array_keys($rows), $this->coursefields);
            foreach ($chunk as $id) {
                $found[] = ['kind' => 'course', 'read_at' => $at, 'course' => (int) $id]
                    + (isset($rows[$id]) ? self::course($rows[$id], $fields[$id]) : ['present' => false]);
            }
        }
        return $found;
    }

    /**
     * What a course's reading tells of it.
     *
     * @param stdClass $row
     * @param string[] $fields
     * @return array
     */
    private static function course(stdClass $row, array $fields): array {
        $told = [
            'present' => true,
            'shortname' => plain::text($row->shortname),
            'fullname' => plain::text($row->fullname),
            'idnumber' => plain::text($row->idnumber),
            'category_idnumber' => plain::text($row->categoryidnumber),
            'fields' => (object) $fields,
            'visible' => (bool) $row->visible,
            'startdate' => plain::second($row->startdate),
            'enddate' => plain::second($row->enddate),
            'copy_of' => plain::id($row->original),
        ];
        // The site's front page is the only course without a category.
        return plain::id($row->category) === null ? $told : $told + ['category' => (int) $row->category];
    }

    /**
     * Activities; one that isn't there is told as gone.
     *
     * @param int[] $courses ids of courses by the ids of their course modules: what is gone doesn't tell its course
     * @return array[] in the order of the ids
     */
    public function modules(array $courses): array {
        global $DB;
        $found = [];
        foreach (array_chunk($courses, readings::CHUNK, true) as $chunk) {
            $at = plain::now();
            [$in, $params] = $DB->get_in_or_equal(array_keys($chunk));
            $told = self::told_modules("cm.id $in", $params, $at);
            foreach ($chunk as $cmid => $courseid) {
                $found[] = $told[$cmid] ?? self::gone_module((int) $cmid, (int) $courseid, $at);
            }
        }
        return $found;
    }

    /**
     * All activities of a course.
     *
     * @param int $courseid
     * @return array[] by id
     */
    public function course_modules(int $courseid): array {
        return array_values(self::told_modules('cm.course = ?', [$courseid], plain::now()));
    }

    /**
     * Readings of some activities.
     *
     * @param string $where a condition on {course_modules} cm
     * @param array $params
     * @param float $at
     * @return array[] by course module id
     */
    private static function told_modules(string $where, array $params, float $at): array {
        global $DB;
        $rows = $DB->get_records_sql("
            SELECT cm.id, cm.course, cm.instance, cm.idnumber, cm.visible, cm.completion, cm.deletioninprogress,
                   m.name AS modname, s.section, s.name AS sectionname, h.minutes, h.component
              FROM {course_modules} cm
              JOIN {modules} m ON m.id = cm.module
         LEFT JOIN {course_sections} s ON s.id = cm.section
         LEFT JOIN {local_copbridge_hours} h ON h.cmid = cm.id
             WHERE $where
          ORDER BY cm.id", $params);
        $present = array_filter($rows, fn(stdClass $row): bool => !$row->deletioninprogress);
        $names = module_names::of($present);
        $sections = section_names::of($present);
        $told = [];
        foreach ($rows as $cmid => $row) {
            $told[$cmid] = isset($present[$cmid])
                ? self::module($row, $names[$cmid] ?? '', $sections[$cmid], $at)
                : self::gone_module($cmid, (int) $row->course, $at);
        }
        return $told;
    }

    /**
     * The reading of an activity.
     *
     * @param stdClass $row
     * @param string $name
     * @param string $section its section's name
     * @param float $at
     * @return array
     */
    private static function module(stdClass $row, string $name, string $section, float $at): array {
        return [
            'kind' => 'module',
            'read_at' => $at,
            'module' => (int) $row->id,
            'course' => (int) $row->course,
            'present' => true,
            'modname' => plain::text($row->modname, 50),
            'name' => plain::text($name),
            'idnumber' => plain::text($row->idnumber),
            'section_number' => (int) $row->section,
            'section_name' => plain::text($section),
            'visible' => (bool) $row->visible,
            'tracking' => (int) $row->completion,
            'minutes' => $row->minutes === null ? null : (int) $row->minutes,
            'component' => plain::text($row->component),
        ];
    }

    /**
     * The reading of an activity that isn't there any more.
     *
     * @param int $cmid
     * @param int $courseid
     * @param float $at
     * @return array
     */
    private static function gone_module(int $cmid, int $courseid, float $at): array {
        return ['kind' => 'module', 'read_at' => $at, 'module' => $cmid, 'course' => $courseid, 'present' => false];
    }
}
