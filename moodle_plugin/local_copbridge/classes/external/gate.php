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

namespace local_copbridge\external;

use context;
use context_course;
use context_system;
use core_external\external_api;
use local_copbridge\local\scope;
use moodle_exception;

/**
 * What each external function asks before it does anything: context, capability, scope.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class gate {
    /**
     * Lets in who has a capability on the whole site.
     *
     * @param string $function the capability's name without local/copbridge:
     * @return context_system
     */
    public static function site(string $function): context_system {
        $context = context_system::instance();
        self::pass($context, $function);
        return $context;
    }

    /**
     * Lets in who has a capability in a course that is handed over.
     *
     * @param int $courseid
     * @param string $function the capability's name without local/copbridge:
     * @return context_course
     */
    public static function course(int $courseid, string $function): context_course {
        $context = context_course::instance($courseid);
        self::pass($context, $function);
        if (!scope::has_course($courseid)) {
            throw new moodle_exception('notchosen', 'local_copbridge');
        }
        return $context;
    }

    /**
     * Checks a context and a capability there.
     *
     * @param context $context
     * @param string $function
     */
    private static function pass(context $context, string $function): void {
        external_api::validate_context($context);
        require_capability("local/copbridge:$function", $context);
    }

    /**
     * How many rows a page has.
     *
     * @param int $limit how many were asked for
     * @param int $most how many there may be
     * @return int
     */
    public static function page(int $limit, int $most): int {
        return max(1, min($limit, $most));
    }
}
