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
 * The role of the service's account.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class service_role extends made_role {
    /** @var string its short name */
    public const SHORTNAME = 'copbridge';

    /** @var string the external service that it is for */
    public const SERVICE = 'local_copbridge';

    /** @var string the setting that keeps its id */
    protected const SETTING = 'roleid';

    /** @var string the key of its name */
    protected const STRING = 'admin_role';

    /**
     * What Moodle itself asks of an account that calls functions, and calls them for courses in which it isn't enrolled, hidden
     * ones among them.
     *
     * @return string[] capabilities
     */
    protected static function core(): array {
        return ['webservice/rest:use', 'moodle/course:view', 'moodle/course:viewhiddencourses'];
    }
}
