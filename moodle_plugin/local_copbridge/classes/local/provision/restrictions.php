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

namespace local_copbridge\local\provision;

use local_copbridge\local\plain;

/**
 * Restrictions and completion criteria as fingerprints that a course shares with its copy.
 *
 * What they refer to by an id, which another course has otherwise, stands in them by what both courses call it: an activity
 * by its ID number, or its place in the course; a group or grouping by its name.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class restrictions {
    /** @var string[] what activities are called, by course module id */
    private readonly array $activities;

    /** @var array<string, string[]> names by id, of kinds of things that were looked up */
    private array $names = [];

    /**
     * Of one course.
     *
     * @param int $courseid
     * @param \cm_info[] $activities in the course's order, by id
     */
    public function __construct(
        /** @var int the course */
        private readonly int $courseid,
        array $activities
    ) {
        $place = 0;
        $this->activities = array_map(static function (\cm_info $cm) use (&$place): string {
            $place++;
            return (string) $cm->idnumber === '' ? "place:$place" : "idnumber:$cm->idnumber";
        }, $activities);
    }

    /**
     * A text's fingerprint.
     *
     * @param string $text
     * @return string SHA-256 in hexadecimal digits; of nothing: nothing
     */
    public static function hash(string $text): string {
        return $text === '' ? '' : hash('sha256', $text);
    }

    /**
     * The fingerprint of an activity's or section's restrictions.
     *
     * @param string $availability as Moodle keeps it
     * @return string empty: there are none
     */
    public function of(string $availability): string {
        $tree = json_decode($availability, true);
        if (!is_array($tree)) {
            return self::hash($availability);
        }
        return empty($tree['c']) ? '' : self::hash(plain::json($this->common($tree)));
    }

    /**
     * A condition, and those within it, without ids of this course, and its keys in one order: a restored one has another.
     *
     * @param array $condition
     * @return array
     */
    private function common(array $condition): array {
        if (isset($condition['c'])) {
            $condition['c'] = array_map($this->common(...), $condition['c']);
        }
        $type = $condition['type'] ?? '';
        if ($type === 'completion' && isset($condition['cm'])) {
            $condition['cm'] = $this->activities[(int) $condition['cm']] ?? $condition['cm'];
        }
        if (in_array($type, ['grade', 'group', 'grouping'], true) && isset($condition['id'])) {
            $condition['id'] = $this->names($type)[(int) $condition['id']] ?? $condition['id'];
        }
        ksort($condition);
        return $condition;
    }

    /**
     * What the course's groups, groupings or grades are called.
     *
     * @param string $type
     * @return string[] by id
     */
    private function names(string $type): array {
        global $DB;
        return $this->names[$type] ??= match ($type) {
            'group' => $DB->get_records_menu('groups', ['courseid' => $this->courseid], '', 'id, name'),
            'grouping' => $DB->get_records_menu('groupings', ['courseid' => $this->courseid], '', 'id, name'),
            'grade' => $this->grades(),
        };
    }

    /**
     * What the course's grades are called: by the activity that they belong to.
     *
     * @return string[] by id
     */
    private function grades(): array {
        global $DB;
        $instances = [];
        foreach (get_fast_modinfo($this->courseid, -1)->get_cms() as $cm) {
            $instances[$cm->modname . $cm->instance] = $this->activities[(int) $cm->id] ?? '';
        }
        $items = $DB->get_records(
            'grade_items',
            ['courseid' => $this->courseid],
            '',
            'id, itemtype, itemmodule, iteminstance, itemnumber, itemname'
        );
        return array_map(static fn(\stdClass $item): string => implode(' ', [
            $item->itemtype,
            $item->itemtype === 'mod' ? $instances[$item->itemmodule . $item->iteminstance] ?? '' : (string) $item->itemname,
            (int) $item->itemnumber,
        ]), $items);
    }

    /**
     * The fingerprint of the course's completion criteria.
     *
     * @return string empty: there are none
     */
    public function criteria(): string {
        global $DB;
        $found = [];
        foreach ($DB->get_records('course_completion_criteria', ['course' => $this->courseid]) as $row) {
            $activity = $this->activities[(int) $row->moduleinstance] ?? '';
            $found[] = plain::json([
                (int) $row->criteriatype, $activity, (int) $row->courseinstance, (int) $row->enrolperiod, (int) $row->timeend,
                $row->gradepass === null ? null : (float) $row->gradepass, (int) $row->role,
            ]);
        }
        if (!$found) {
            return '';
        }
        sort($found);
        $ways = $DB->get_records_menu('course_completion_aggr_methd', ['course' => $this->courseid], '', 'criteriatype, method');
        // Left out, it is all of them; so is what the whole course asks for, which has no kind.
        $ways = array_filter(array_map('intval', $ways), static fn(int $way): bool => $way !== COMPLETION_AGGREGATION_ALL);
        ksort($ways);
        return self::hash(plain::json([$found, $ways]));
    }
}
