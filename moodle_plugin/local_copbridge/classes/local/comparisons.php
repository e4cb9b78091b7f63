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
 * What the service's comparisons with Moodle found, course by course.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class comparisons {
    /**
     * All courses in scope: who differed most first, then who was never compared, then who was compared longest ago.
     *
     * @return \stdClass[] courseid, told (whether the service has told of it), swept (Unix s; 0: never) and drift
     */
    public static function all(): array {
        global $DB;
        $found = [];
        foreach (scope::courses() as $courseid) {
            $found[$courseid] = (object) ['courseid' => $courseid, 'told' => false, 'swept' => 0, 'drift' => 0];
        }
        $rows = $DB->get_recordset('local_copbridge_course', null, '', 'courseid, data');
        foreach ($rows as $row) {
            $data = json_decode($row->data);
            if (isset($found[$row->courseid]) && $data instanceof \stdClass) {
                $one = $found[$row->courseid];
                $one->told = true;
                $one->swept = (int) ($data->swept_at ?? 0);
                $one->drift = (int) ($data->drift ?? 0);
            }
        }
        $rows->close();
        usort($found, static fn(\stdClass $a, \stdClass $b): int => [-$a->drift, $a->swept, $a->courseid]
            <=> [-$b->drift, $b->swept, $b->courseid]);
        return $found;
    }
}
