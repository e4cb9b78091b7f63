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

namespace local_copbridge\local\admin;

use local_copbridge\local\settings;

/**
 * The setting for the address that batches are posted to.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class setting_address extends \admin_setting_configtext {
    #[\Override]
    public function validate($data) {
        if (trim((string) $data) === '' || settings::address_parts(trim($data)) !== null) {
            return true;
        }
        return get_string('settings_endpoint_wrong', 'local_copbridge');
    }

    #[\Override]
    public function write_setting($data) {
        return parent::write_setting(trim((string) $data));
    }
}
