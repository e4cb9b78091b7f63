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

use core_component;
use stdClass;

/**
 * Names of activities, as each kind's own table has them.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class module_names {
    /**
     * The names of some activities: one query for each kind.
     *
     * @param stdClass[] $rows with modname and instance, by course module id
     * @return string[] by course module id
     */
    public static function of(array $rows): array {
        global $DB;
        // A kind whose code is gone has lost its table, or is about to.
        $kinds = core_component::get_plugin_list('mod');
        $instances = [];
        foreach ($rows as $cmid => $row) {
            if (isset($kinds[$row->modname])) {
                $instances[$row->modname][$row->instance] = $cmid;
            }
        }
        $names = [];
        foreach ($instances as $modname => $cmids) {
            [$in, $params] = $DB->get_in_or_equal(array_keys($cmids));
            foreach ($DB->get_records_select_menu($modname, "id $in", $params, '', 'id, name') as $instance => $name) {
                $names[$cmids[$instance]] = (string) $name;
            }
        }
        return $names;
    }
}
